-- include base
-- Bars of the last 31 days, or of the last 13 months where a longer period is chosen.
panels(panel, place, metric_id) AS (VALUES @@trends@@),
grains(choice, grain, bars) AS (
  VALUES ('日', 'day', 31), ('周', 'day', 31), ('月', 'day', 31), ('季', 'month', 13),
         ('年', 'month', 13), ('累计', 'month', 13)
),
series AS (
  SELECT v.area_code, v.tier, v.metric_id, v.period, v.period_start, v.value, v.grade,
         v.grade_reason, v.is_withheld, v.as_of_day,
         row_number() OVER (PARTITION BY v.area_code, v.tier, v.metric_id, v.period
                            ORDER BY v.period_start DESC) AS age
  FROM metric_values v
  WHERE v.period IN ('day', 'month') AND v.metric_id IN (SELECT metric_id FROM panels)
),
bars AS (
  SELECT a.area_title, a.area_code, g.choice, g.bars, s.*,
         max(s.value) OVER (PARTITION BY a.area_code, g.choice, s.metric_id) AS top
  FROM series s
  JOIN areas a ON a.area_code = s.area_code AND a.tier = s.tier
  JOIN grains g ON g.grain = s.period AND s.age <= g.bars
),
drawn AS (
  SELECT area_title, area_code, choice, metric_id,
         string_agg(
           '<rect x="' || round(310.0 - 310.0 * age / bars + 31.0 / bars, 1)
           || '" y="' || round(60 - 58 * coalesce(value / nullif(top, 0), 0), 1)
           || '" width="' || round(248.0 / bars, 1)
           || '" height="' || round(58 * coalesce(value / nullif(top, 0), 0), 1)
           || '" class="' || CASE WHEN grade = 'C' THEN 'gl-bar gl-doubtful' ELSE 'gl-bar' END
           || '"><title>'
           || CASE period WHEN 'day' THEN strftime(period_start, '%m-%d')
                       ELSE strftime(period_start, '%Y-%m') END
           || '：' || CASE WHEN is_withheld THEN '已隐去' WHEN value IS NULL THEN '—'
                    ELSE format('{:,.6g}', value) END
           || CASE WHEN grade = 'C' THEN '（存疑）' ELSE '' END || '</title></rect>',
           '' ORDER BY period_start) AS bars_svg,
         strftime(min(period_start), '%m-%d') AS first_day,
         strftime(max(period_start), '%m-%d') AS last_day,
         format('{:,.6g}', max(value)) AS top_shown,
         arg_min(CASE WHEN is_withheld THEN '已隐去' WHEN value IS NULL THEN '—'
                 ELSE format('{:,.6g}', value) END, age) AS last_shown,
         count(*) FILTER (grade = 'C') AS doubtful_bars,
         any_value(grade_reason) FILTER (grade = 'C') AS doubtful_reason,
         strftime(max(as_of_day), '%Y-%m-%d') AS as_of
  FROM bars GROUP BY ALL
)
SELECT p.panel, p.place, a.area_title, a.area_code, c.choice, b.metric_id, b.metric_name, b.unit,
       b.definition, d.bars_svg, d.first_day, d.last_day, d.top_shown, d.last_shown, d.as_of,
       CASE WHEN d.metric_id IS NULL THEN 'missing' WHEN d.doubtful_bars > 15 THEN 'doubtful'
            ELSE 'good' END AS state,
       CASE WHEN d.metric_id IS NULL THEN '没有记录：' || coalesce(b.feed_names, '未知来源')
            WHEN d.doubtful_bars > 0
            THEN '灰柱 ' || d.doubtful_bars || ' 期存疑：' || d.doubtful_reason END AS reason
FROM panels p JOIN book b ON b.metric_id = p.metric_id CROSS JOIN areas a CROSS JOIN choices c
LEFT JOIN drawn d
  ON d.area_code = a.area_code AND d.choice = c.choice AND d.metric_id = p.metric_id
