"""The imagined ticket business: what lives in its table, and what happens to it next."""

from __future__ import annotations

from typing import NamedTuple

from jobs.demo import images
from jobs.demo.dice import Dice
from jobs.demo.envelopes import Event, envelope
from jobs.demo.images import Image, Item
from jobs.demo.times import DAY, HOUR, MINUTE, iso, spelled

_HERD = 3000


class Happening(NamedTuple):
    """One change: what it is in words (`insert demand`), its partition key on the stream, and the change event."""

    kind: str
    key: str
    event: Event


class World:
    """Items of the four types that come, change and go. Everything in it is made up."""

    def __init__(self, dice: Dice, late_share: float) -> None:
        """`late_share` of the new demands was asked for days before the change arrives."""
        self._dice = dice
        self._late_share = late_share
        self._alive: dict[str, list[Item]] = {"demand": [], "notification": [], "event": [], "sale": []}

    def change(self, type_: str, action: str, now: int) -> Happening:
        """The next change of a `type_` record; an INSERT where there is nothing yet to MODIFY or REMOVE."""
        if action == "INSERT" or not self._alive[type_]:
            item = self._add(type_, now)
            return Happening(
                f"insert {type_}", item.keys["pk"]["S"], envelope(self._dice, "INSERT", item, None, now)
            )
        if action == "REMOVE":
            return self._remove(self._dice.take(self._alive[type_]), now)
        return self._modify(type_, now)

    def _add(self, type_: str, now: int) -> Item:
        item, herd = self._make(type_, now), self._alive[type_]
        if len(herd) < _HERD:
            herd.append(item)
        else:
            herd[self._dice.below(_HERD)] = item
        return item

    def _make(self, type_: str, now: int) -> Item:
        dice = self._dice
        if type_ == "event":
            return images.event(dice, now)
        if type_ == "sale":
            return images.sale(dice, now, self._some("event", now).image)
        if type_ == "notification":
            return images.notification(dice, now, self._some("demand", now).image)
        late = (
            dice.below(20) * DAY + dice.below(24) * HOUR
            if dice.roll() < self._late_share
            else dice.below(MINUTE)
        )
        return images.demand(dice, now, self._some("sale", now).image, now - late)

    def _some(self, type_: str, now: int) -> Item:
        """A living item to refer to, the popular ones far more often; one from before the stream if there is none."""
        herd = self._alive[type_]
        if not herd:
            return self._make(type_, now - DAY)
        return herd[int(self._dice.roll() * self._dice.roll() * len(herd))]

    def _remove(self, item: Item, now: int) -> Happening:
        by_ttl = item.type in ("demand", "notification") and self._dice.roll() < 0.4
        kind = f"{'expire' if by_ttl else 'remove'} {item.type}"
        return Happening(kind, item.keys["pk"]["S"], envelope(self._dice, "REMOVE", item, None, now, by_ttl))

    def _modify(self, type_: str, now: int) -> Happening:
        herd = self._alive[type_]
        index = self._dice.below(len(herd))
        old = herd[index]
        soft = type_ != "event" and self._dice.roll() < 0.02
        image = _soft_deleted(old.image, now) if soft else _CHANGES[type_](self._dice, old.image, now)
        herd[index] = old._replace(image=image)
        event = envelope(self._dice, "MODIFY", herd[index], old.image, now)
        return Happening(f"{'soft-delete' if soft else 'modify'} {type_}", old.keys["pk"]["S"], event)


def _dated(image: Image, **dates: str) -> Image:
    """The image with these `date.*` added; the one given stays as it is."""
    before = image["date"]["M"] if "date" in image else {}
    return {**image, "date": {"M": {**before, **{name: {"S": text} for name, text in dates.items()}}}}


def _soft_deleted(image: Image, now: int) -> Image:
    """Marked as deleted by the application itself, while the item lives on."""
    return {**_dated(image, deleted=iso(now)), "isDeleted": {"BOOL": True}}


def _demand_changed(dice: Dice, image: Image, now: int) -> Image:
    """First triggered, then notified, then its contact method over and over."""
    dates = image["date"]["M"]
    if "triggered" not in dates:
        return _dated(image, triggered=spelled(now, dice))
    if "notified" not in dates:
        return _dated(image, notified=spelled(now, dice))
    return {**image, "contactMethod": {"S": dice.pick(("sms", "email", "push"))}}


def _notification_changed(dice: Dice, image: Image, now: int) -> Image:
    return _dated(image, updated=spelled(now, dice))


def _event_changed(dice: Dice, image: Image, now: int) -> Image:
    return {**_dated(image, updated=iso(now)), "name": {"S": f"{dice.pick(images.ARTISTS)} (new date)"}}


def _sale_changed(dice: Dice, image: Image, now: int) -> Image:
    return {**image, "saleStartDateTime": {"S": spelled(now + dice.below(30) * DAY, dice)}}


_CHANGES = {
    "demand": _demand_changed,
    "notification": _notification_changed,
    "event": _event_changed,
    "sale": _sale_changed,
}
