//! Medians: what a few wild values cannot move, and what can be said in a sentence.

/// The middle of some values, and how far the middle one of their deviations lies from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Middle {
    pub(super) median: f64,
    /// Median absolute deviation.
    pub(super) deviation: f64,
    /// The deviation that four of five values do not exceed.
    pub(super) most: f64,
}

impl Middle {
    /// Returns the middle; `None` of nothing.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        let median = median(&mut values)?;
        for value in &mut values {
            *value = (*value - median).abs();
        }
        let deviation = self::median(&mut values)?;
        let most = values.get(values.len().saturating_mul(4) / 5).copied().unwrap_or(deviation);
        Some(Self { median, deviation, most })
    }

    /// Returns how far four of five values lie from the median at most, as a share of it; 0 where
    /// both are nothing.
    pub(super) fn unevenness(self) -> f64 {
        if self.most == 0.0 { 0.0 } else { self.most / self.median }
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let high = *values.get(upper)?;
    if values.len() % 2 == 1 {
        return Some(high);
    }
    let low = *values.get(upper.checked_sub(1)?)?;
    Some(low.midpoint(high))
}

/// Returns a count as a number to reckon with; beyond 4 billion, 4 billion.
pub(super) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wild_value_does_not_move_the_middle() {
        for (values, want) in [
            (vec![4.0], (4.0, 0.0, 0.0)),
            (vec![60.0, 61.0, 59.0, 60.0, 60.0, 9_000.0], (60.0, 0.5, 1.0)),
            (vec![1.0, 3.0], (2.0, 1.0, 1.0)),
            (vec![98.0, 98.0, 98.0, 1_597.0, 1_597.0], (98.0, 0.0, 1_499.0)),
        ] {
            let middle = Middle::of(values.clone()).unwrap();
            assert_eq!((middle.median, middle.deviation, middle.most), want, "{values:?}");
        }
        assert_eq!(Middle::of(Vec::new()), None);
    }
}
