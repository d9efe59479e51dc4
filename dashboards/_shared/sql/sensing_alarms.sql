-- include base
-- Sensors beyond their threshold: when, where, how long.
placed AS (
  SELECT e.*, unnest([left(e.community_code, 6), left(e.community_code, 9), e.community_code])
           AS area_code
  FROM fire_episodes e
),
quantities(quantity, quantity_name) AS (VALUES @@quantities@@),
levels(worst_level, level_name) AS (VALUES @@levels@@)
SELECT a.area_title, a.area_code, e.device_id IS NOT NULL AS is_found,
       strftime(CAST(e.opened_at AS TIMESTAMP) + INTERVAL 8 HOUR, '%m-%d %H:%M') AS opened,
       coalesce(c.area_name, '未定位') AS place_name, '…' || right(e.device_id, 6) AS device,
       q.quantity_name, l.level_name,
       CASE WHEN e.closed_at IS NULL THEN '未恢复'
            ELSE format('{:.1f} 小时', e.duration_seconds / 3600.0) END AS lasted,
       CASE WHEN e.closed_at IS NULL THEN 'open' ELSE 'closed' END AS state,
       coalesce(epoch(e.opened_at), 0) AS place
FROM areas a
LEFT JOIN placed e ON e.area_code = a.area_code
LEFT JOIN quantities q ON q.quantity = e.quantity
LEFT JOIN levels l ON l.worst_level = e.worst_level
LEFT JOIN space_areas c ON c.area_code = e.community_code
