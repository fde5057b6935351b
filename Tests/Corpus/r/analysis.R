cat(jsonlite::toJSON(list(mean = mean(c(1, 2, 3)))), "\n")
