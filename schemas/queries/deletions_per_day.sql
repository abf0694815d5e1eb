-- How many records of each type were deleted on each day (UTC).
SELECT
    substr(change_time, 1, 10) AS day,
    type,
    count(DISTINCT reference_id) AS deleted
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
GROUP BY 1, 2
ORDER BY day, type
