"""The topic databases 主题数据库: one file per topic."""
