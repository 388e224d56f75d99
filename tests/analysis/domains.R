# Reference values of test_domains.py: Rscript domains.R sample.csv
suppressMessages(library(survey))
answers <- read.csv(commandArgs(TRUE)[1], colClasses = c(wave = "character"))
answers$score <- 100 * ((answers$nps >= 9) - (answers$nps <= 6))
answers$top <- 100 * (answers$csat >= 4)
answers$h <- interaction(answers$wave, answers$stratum)

domains <- function(data, lonely, segments) {
  options(survey.lonely.psu = lonely)
  design <- svydesign(ids = ~cluster, strata = ~h, weights = ~weight, data = data, nest = TRUE)
  for (item in c("score", "top")) {
    item <- reformulate(item)
    now <- subset(design, wave == "2")
    both <- svyby(item, ~wave + segment, design, svymean, covmat = TRUE)
    means <- svyby(item, ~segment, now, svymean)
    for (part in segments) {
      names <- paste0(c("2.", "1."), part)
      change <- svycontrast(both, list(change = setNames(c(1, -1), names)))
      sides <- svyby(item, ~I(segment == part), now, svymean, covmat = TRUE)
      rest <- svycontrast(sides, list(rest = c(-1, 1)))
      at <- means$segment == part
      cat(sprintf('    ("%s", "%s", "%s"): (%.9f, %.9f, %.9f, %.9f),\n', lonely, all.vars(item), part,
        coef(means)[at], SE(means)[at], SE(change), SE(rest)))
    }
    total <- svymean(item, now)
    cat(sprintf('    ("%s", "%s", ""): (%.9f, %.9f),\n', lonely, all.vars(item), coef(total), SE(total)))
  }
}

domains(answers[answers$stratum != "s6", ], "fail", LETTERS[1:6])
domains(answers, "adjust", c("A", "B", "C"))
domains(answers, "certainty", c("A", "B", "C"))
