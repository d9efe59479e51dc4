SELECT choice, step
FROM (VALUES ('日', 1), ('周', 2), ('月', 3), ('季', 4), ('年', 5), ('累计', 6)) c(choice, step)
