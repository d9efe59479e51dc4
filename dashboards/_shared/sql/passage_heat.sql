-- include base
-- Passages by hour of the last seven days with data, one drawing for each kind.
placed AS (
  SELECT h.shot_day, h.shot_hour, h.passage_kind, h.passage_count,
         unnest([left(h.community_code, 6), left(h.community_code, 9), h.community_code])
           AS area_code
  FROM passage_device_hours h
  WHERE h.community_code IS NOT NULL
    AND h.shot_day > (SELECT max(shot_day) - 7 FROM passage_device_hours)
),
hours AS (
  SELECT area_code, passage_kind, shot_day, shot_hour, sum(passage_count) AS passages
  FROM placed GROUP BY ALL
),
scaled AS (
  SELECT *, max(passages) OVER (PARTITION BY area_code, passage_kind) AS top,
         dense_rank() OVER (PARTITION BY area_code, passage_kind ORDER BY shot_day) AS line
  FROM hours
),
drawn AS (
  SELECT area_code, passage_kind, max(top) AS top, sum(passages) AS total,
         string_agg(
           '<rect x="' || (30 + shot_hour * 12) || '" y="' || (line * 13 - 13)
           || '" width="11" height="12" class="gl-cell gl-heat-'
           || CAST(floor(9.0 * passages / top) AS INTEGER) || '"><title>'
           || strftime(shot_day, '%m-%d') || ' ' || shot_hour || '时：'
           || format('{:,}', CAST(passages AS BIGINT)) || '</title></rect>'
           || CASE WHEN shot_hour = (SELECT min(shot_hour) FROM hours) THEN
                '<text x="26" y="' || (line * 13 - 3) || '" text-anchor="end">'
                || strftime(shot_day, '%m-%d') || '</text>' ELSE '' END,
           '' ORDER BY shot_day, shot_hour) AS cells
  FROM scaled GROUP BY area_code, passage_kind
),
kinds(passage_kind, kind_name, place, metric_id) AS (
  VALUES ('face', '人员通行量', 1, 'passage_face_count'),
         ('motor', '机动车流量', 2, 'passage_motor_count'),
         ('nonmotor', '非机动车流量', 3, 'passage_nonmotor_count')
),
states AS (
  SELECT area_code, tier, metric_id, grade, grade_reason, as_of_day FROM metric_values
  WHERE is_newest AND period = 'month'
)
SELECT a.area_title, a.area_code, k.kind_name, k.place, d.cells,
       format('{:,}', CAST(d.top AS BIGINT)) AS top_shown,
       CASE WHEN d.area_code IS NULL THEN 'missing' WHEN s.grade = 'C' THEN 'doubtful'
            ELSE 'good' END AS state,
       CASE WHEN d.area_code IS NULL THEN '近七日辖区内没有此类抓拍'
            WHEN s.grade = 'C' THEN '数据存疑：' || s.grade_reason END AS reason,
       strftime(s.as_of_day, '%Y-%m-%d') AS as_of
FROM areas a CROSS JOIN kinds k
LEFT JOIN drawn d ON d.area_code = a.area_code AND d.passage_kind = k.passage_kind
LEFT JOIN states s
  ON s.area_code = a.area_code AND s.tier = a.tier AND s.metric_id = k.metric_id
