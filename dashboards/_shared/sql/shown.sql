-- Every metric of every area in every period, also where there is no value: then why.
above_values AS (
  SELECT metric_id, area_code, period, value FROM parent_values
  WHERE is_newest AND NOT is_withheld
  UNION ALL
  SELECT metric_id, area_code, period, value FROM metric_values
  WHERE is_newest AND NOT is_withheld
),
above_sizes AS (
  SELECT area_code, value AS communities FROM above_values
  WHERE metric_id = 'space_community_count' AND period = 'as_of' AND value > 0
),
changed AS (
  SELECT DISTINCT metric_id, area_code, period, period_start FROM restatements
),
joined AS (
  SELECT a.area_title, a.area_code, a.area_name, a.tier, a.above_code, a.community_count,
         c.choice, b.metric_id, b.metric_name, b.kind, b.definition, b.unit, b.adds_up,
         b.topic_name, b.feed_names, v.period, v.period_start, v.period_end, v.is_complete,
         v.value, v.change, v.change_on_year, v.grade, v.grade_reason, v.as_of_day,
         CASE WHEN v.metric_id IS NULL THEN 'missing' WHEN v.is_withheld THEN 'withheld'
              WHEN v.value IS NULL THEN 'empty' WHEN v.grade = 'C' THEN 'doubtful'
              ELSE 'good' END AS state,
         CASE WHEN b.adds_up AND a.community_count > 0 AND s.communities > 0
              THEN u.value / s.communities WHEN NOT b.adds_up THEN u.value END AS above_value,
         r.metric_id IS NOT NULL AS is_restated
  FROM areas a CROSS JOIN choices c CROSS JOIN book b
  LEFT JOIN chosen_values v
    ON v.area_code = a.area_code AND v.metric_id = b.metric_id AND v.choice = c.choice
    AND v.tier = a.tier
  LEFT JOIN above_values u
    ON u.area_code = a.above_code AND u.metric_id = b.metric_id AND u.period = v.period
  LEFT JOIN above_sizes s ON s.area_code = a.above_code
  LEFT JOIN changed r
    ON r.metric_id = v.metric_id AND r.area_code = v.area_code AND r.period = v.period
    AND r.period_start = v.period_start
),
shown_values AS (
  SELECT *,
         CASE state
           WHEN 'missing' THEN '无数据' WHEN 'empty' THEN '—' WHEN 'withheld' THEN '已隐去'
           ELSE CASE WHEN kind IN ('sum', 'distinct')
                     THEN format('{:,}', CAST(round(value) AS BIGINT))
                     ELSE format('{:,.2f}', value) END
         END AS shown,
         CASE state
           WHEN 'missing' THEN '来源未报送或本期没有记录：' || coalesce(feed_names, '未知来源')
           WHEN 'empty' THEN '本期没有可供计算的记录'
           WHEN 'withheld' THEN '人数过少或为防止推算，依规隐去'
           WHEN 'doubtful' THEN '数据存疑：' || coalesce(grade_reason, '质量检查未通过')
         END AS reason,
         CASE WHEN state NOT IN ('good', 'doubtful') OR change IS NULL THEN NULL
              ELSE format('{:+.1f}%', change) END AS change_shown,
         CASE WHEN change > 0.05 THEN 'up' WHEN change < -0.05 THEN 'down'
              ELSE 'flat' END AS change_kind,
         CASE WHEN state NOT IN ('good', 'doubtful') OR change_on_year IS NULL THEN NULL
              ELSE format('{:+.1f}%', change_on_year) END AS year_shown,
         CASE WHEN state NOT IN ('good', 'doubtful') OR above_value IS NULL THEN NULL
              WHEN NOT adds_up THEN '上级 ' || format('{:,.2f}', above_value)
              WHEN community_count = 1 THEN '上级社均 ' || format('{:,.1f}', above_value)
              ELSE '社均 ' || format('{:,.1f}', value / community_count)
                   || '，上级社均 ' || format('{:,.1f}', above_value) END AS above_shown,
         CASE WHEN period IS NULL THEN '' WHEN period = 'as_of' THEN '现状'
              WHEN period = 'to_date' THEN '累计至 ' || strftime(period_end, '%m-%d')
              WHEN period = 'day' THEN strftime(period_end, '%m-%d') || ' 当日'
              ELSE strftime(period_start, '%m-%d') || ' 至 ' || strftime(period_end, '%m-%d')
                   || CASE WHEN is_complete THEN '' ELSE '（进行中）' END END AS period_shown,
         strftime(as_of_day, '%Y-%m-%d') AS as_of
  FROM joined
)
