-- How many records of each type were deleted on each day (UTC): a record counts once, on the first day.
SELECT day, type, count(*) AS deleted
FROM (
    SELECT type, reference_id, min(substr(change_time, 1, 10)) AS day
    FROM (
        SELECT type, reference.id AS reference_id, coalesce(change.time, demand.date.deleted) AS change_time, isDeleted FROM demand
        UNION ALL
        SELECT type, reference.id, coalesce(change.time, notification.date.deleted), isDeleted FROM notification
        UNION ALL
        SELECT type, reference.id, coalesce(change.time, event.date.deleted), isDeleted FROM event
        UNION ALL
        SELECT type, reference.id, coalesce(change.time, sale.date.deleted), isDeleted FROM sale
    )
    WHERE isDeleted
    GROUP BY type, reference_id
)
GROUP BY day, type
ORDER BY day, type
