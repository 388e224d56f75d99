# Reference values of test_raking.py: Rscript raking.R sample.csv
suppressMessages(library(survey))
answers <- read.csv(commandArgs(TRUE)[1], colClasses = c(wave = "character"))
answers$score <- 100 * ((answers$nps >= 9) - (answers$nps <= 6))
answers$answered <- !is.na(answers$nps)
answers$score[!answers$answered] <- 0
margins <- list(age = c(old = 0.35, young = 0.65), region = c(E = 0.2, N = 0.5, S = 0.3))

for (base in c("one", "weight")) for (now in c("1", "2")) {
  wave <- answers[answers$wave == now, ]
  design <- svydesign(ids = ~1, weights = reformulate(base), data = wave)
  total <- sum(wave[[base]])
  sums <- lapply(names(margins), function(m) setNames(data.frame(names(margins[[m]]), total * margins[[m]]), c(m, "Freq")))
  population <- c(`(Intercept)` = total, ageyoung = total * 0.65, regionN = total * 0.5, regionS = total * 0.3)
  raked <- calibrate(design, ~age + region, population, calfun = "raking", epsilon = 1e-10)
  if (base == "one") {  # rake() takes means without weights out of what it leaves
    other <- rake(design, list(~age, ~region), sums, control = list(maxit = 200, epsilon = 1e-10))
    both <- sapply(list(other, raked), function(one) SE(svymean(~score, subset(one, answered))))
    stopifnot(abs(both[1] / both[2] - 1) < 1e-4)
  }
  tell <- function(part, shop) cat(sprintf('    ("%s", "%s", "%s"): (%.9f, %.9f),\n', base, now, shop, coef(part), SE(part)))
  tell(svymean(~score, subset(raked, answered)), "")
  for (letter in c("A", "B", "C")) {
    tell(svymean(~score, subset(raked, answered & shop == letter)), letter)
    sides <- update(raked, n1 = answered * (shop == letter), n2 = answered * (shop != letter))
    sides <- update(sides, s1 = score * n1, s2 = score * n2)
    tell(svycontrast(svytotal(~s1 + n1 + s2 + n2, sides), quote(s1 / n1 - s2 / n2)), paste(letter, "less the rest"))
  }
}
