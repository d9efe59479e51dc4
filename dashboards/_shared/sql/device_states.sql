-- include base
-- Devices by kind, and how many are online.
placed AS (
  SELECT d.*, unnest([left(d.community_code, 6), left(d.community_code, 9), d.community_code])
           AS area_code
  FROM sensing_device_states d WHERE d.community_code IS NOT NULL
),
kinds(device_kind, kind_name, place) AS (VALUES @@device_kinds@@)
SELECT a.area_title, a.area_code, k.kind_name IS NOT NULL AS is_found, k.kind_name, k.place, sum(p.device_count) AS devices,
       sum(p.online_count) AS online, sum(p.offline_count) AS offline,
       sum(p.unknown_count) AS unknown,
       round(100.0 * sum(p.online_count) / nullif(sum(p.device_count), 0), 1) AS portion
FROM areas a
LEFT JOIN placed p ON p.area_code = a.area_code
LEFT JOIN kinds k ON k.device_kind = p.device_kind
GROUP BY ALL
