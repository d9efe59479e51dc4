-- include base
-- include shown
-- One row for each metric of a panel, area and period. No shares where a part is withheld: they
-- would be of what is left.
panels(panel, place, metric_id) AS (VALUES @@panels@@),
shares AS (
  SELECT p.panel, p.place, s.*,
         s.value / nullif(max(s.value) OVER w, 0) AS of_most,
         CASE WHEN NOT bool_or(s.state = 'withheld') OVER w
              THEN s.value / nullif(sum(s.value) OVER w, 0) END AS of_all,
         coalesce(sum(s.value) OVER (
           PARTITION BY p.panel, s.area_code, s.choice ORDER BY p.place
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
           / nullif(sum(s.value) OVER w, 0) AS begins
  FROM panels p JOIN shown_values s ON s.metric_id = p.metric_id
  WINDOW w AS (PARTITION BY p.panel, s.area_code, s.choice)
),
angles AS (
  SELECT *, 2 * pi() * begins AS angle,
         2 * pi() * (begins + least(of_all, 0.9999)) AS until_angle
  FROM shares
)
SELECT panel, place, area_title, area_code, choice, metric_id, metric_name, definition, unit,
       value, shown, state, reason, change_shown, change_kind, year_shown, above_shown, grade,
       grade_reason, period_shown, as_of, is_restated, round(100 * of_most, 1) AS portion,
       round(100 * of_all, 1) AS share,
       'M' || round(21 + 16 * sin(angle), 2) || ' ' || round(21 - 16 * cos(angle), 2)
         || 'A16 16 0 ' || CASE WHEN of_all > 0.5 THEN '1' ELSE '0' END || ' 1 '
         || round(21 + 16 * sin(until_angle), 2) || ' '
         || round(21 - 16 * cos(until_angle), 2) AS arc
FROM angles
