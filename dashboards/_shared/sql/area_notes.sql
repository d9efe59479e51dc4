-- include base
-- What has no place, and which published numbers changed later.
panels(panel, place, metric_id) AS (VALUES @@panels@@),
reasons(reason, reason_name) AS (VALUES @@reasons@@),
unplaced AS (
  SELECT v.metric_id, v.choice, v.value AS lost, left(v.area_code, 6) AS area_code
  FROM chosen_values v
  WHERE v.area_code LIKE '%-unplaced' AND v.tier = 'community' AND v.value > 0
    AND v.metric_id IN (SELECT metric_id FROM panels)
),
whole AS (
  SELECT metric_id, choice, area_code, value FROM chosen_values
  WHERE tier = 'district' AND value > 0
)
SELECT a.area_title, a.area_code, u.choice, 'unplaced' AS note_kind, b.metric_name AS subject,
       format('{:,}', CAST(u.lost AS BIGINT)) || ' ' || b.unit || '，占 '
         || format('{:.1f}%', 100 * u.lost / w.value) AS note,
       1000 - 1000 * u.lost / w.value AS place
FROM unplaced u
JOIN areas a ON a.area_code = u.area_code
JOIN book b ON b.metric_id = u.metric_id AND b.adds_up
JOIN whole w ON w.metric_id = u.metric_id AND w.choice = u.choice AND w.area_code = u.area_code
UNION ALL
SELECT a.area_title, a.area_code, c.choice, 'restated', r.metric_name,
       strftime(r.period_start, '%Y-%m-%d') || ' 起的' || p.choice || '：'
         || coalesce(format('{:,.6g}', r.was), '—') || ' → '
         || coalesce(format('{:,.6g}', r.now), '—') || '（'
         || coalesce(s.reason_name, r.reason) || '）',
       2000 - epoch(r.period_start) / 1e9
FROM restatements r
JOIN areas a ON a.area_code = r.area_code
JOIN choices p ON p.period = r.period
LEFT JOIN reasons s ON s.reason = r.reason
CROSS JOIN choices c
UNION ALL
SELECT a.area_title, a.area_code, c.choice, 'none', '', '', 9999 FROM areas a CROSS JOIN choices c
