-- What could not be archived on each day (UTC) of the batches, by message: change events, and the objects that hold them.
SELECT
    substr(errors.timestamp, 1, 10) AS day,
    error.message AS message,
    sum(cardinality(events)) AS change_events,
    count(*) AS objects
FROM errors
GROUP BY 1, 2
ORDER BY day, change_events DESC, message
