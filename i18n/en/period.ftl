### The period of pages of figures.

period-from = From
period-until = Until
period-error = Not a period: the first day before the last, five years at most.
