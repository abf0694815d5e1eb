-- Latest state of every demand, the deleted ones too, straight from the containers. Reads all of them:
-- latest_demand of jobs.latest holds the same, ready made.
SELECT *
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY reference.id
            ORDER BY
                coalesce(change.time, CASE WHEN change.name = 'REMOVE' THEN demand.date.deleted END) DESC NULLS LAST,
                -- No change of the same time undoes a deletion that came without a number.
                coalesce(change.name = 'REMOVE' AND change.sequenceNumber IS NULL, false) DESC,
                -- As a number: without leading zeros the longer one is the greater.
                length(change.sequenceNumber) DESC NULLS LAST,
                change.sequenceNumber DESC NULLS LAST,
                coalesce(isDeleted, false) DESC,
                reference.timestamp DESC,
                change.id DESC NULLS LAST
        ) AS newest
    FROM demand
)
WHERE newest = 1
