-- How many demands there were for each event on each day (UTC) on which fans asked, and by how many fans.
SELECT
    partition_date AS day,
    eventId AS event_id,
    count(DISTINCT reference.id) AS demands,
    count(DISTINCT fanId) AS fans
FROM demand
GROUP BY partition_date, eventId
ORDER BY day, demands DESC, event_id
