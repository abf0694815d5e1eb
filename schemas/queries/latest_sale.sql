-- Latest state of every sale, the deleted ones too, straight from the containers. Reads all of them:
-- latest_sale of jobs.latest holds the same, ready made.
SELECT *
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY reference.id
            ORDER BY
                change.time DESC NULLS LAST,
                -- As a number: without leading zeros the longer one is the greater.
                length(change.sequenceNumber) DESC NULLS LAST,
                change.sequenceNumber DESC NULLS LAST,
                coalesce(isDeleted, false) DESC,
                reference.timestamp DESC
        ) AS newest
    FROM sale
)
WHERE newest = 1
