-- Where the small files are: containers per type and partition date, and how many records one holds.
SELECT
    type,
    partition_date,
    count(DISTINCT container) AS containers,
    count(*) AS records,
    round(cast(count(*) AS double) / count(DISTINCT container), 1) AS records_per_container
FROM (
    SELECT type, partition_date, "$path" AS container FROM demand
    UNION ALL
    SELECT type, partition_date, "$path" FROM notification
    UNION ALL
    SELECT type, partition_date, "$path" FROM event
    UNION ALL
    SELECT type, partition_date, "$path" FROM sale
)
GROUP BY type, partition_date
ORDER BY records_per_container, containers DESC, type, partition_date
