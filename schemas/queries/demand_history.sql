-- Every change of the demands of one fan in the order in which they happened (BR-020): what each made of the demand.
-- Parameter: the id of the fan, in quotes. A change that DynamoDB delivered twice is there twice, with one change_id.
SELECT
    reference.id AS reference_id,
    change.time AS change_time,
    change.name AS change_name,
    change.id AS change_id,
    coalesce(isDeleted, false) AS is_deleted,
    demand.*
FROM demand
WHERE fanId = ?
ORDER BY
    reference.id,
    -- Some deletions have no time but that at which they were made.
    coalesce(change.time, CASE WHEN change.name = 'REMOVE' THEN demand.date.deleted END) NULLS FIRST,
    length(change.sequenceNumber) NULLS FIRST,
    change.sequenceNumber NULLS FIRST
