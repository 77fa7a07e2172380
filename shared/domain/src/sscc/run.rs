//! Consecutive SSCCs, counted up in place.

use super::{SSCC_BODY, Sscc, SsccPrefix};
use crate::check_digit::check_digit;

/// The SSCCs of consecutive serial references.
#[derive(Debug, Clone)]
pub struct SsccRun {
    digits: [u8; 18],
    /// Where the serial reference begins.
    reference: usize,
}

impl SsccRun {
    /// Begins at a serial reference of a prefix.
    #[must_use]
    pub fn new(prefix: &SsccPrefix, reference: u128) -> Self {
        let Sscc(digits) = prefix.sscc(reference);
        let begins = SSCC_BODY.saturating_sub(usize::from(prefix.reference_digits()));
        Self { digits, reference: begins }
    }

    /// The 18 digits of the SSCC at hand.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits
    }

    /// The digits of its serial reference, without the check digit.
    #[inline]
    #[must_use]
    pub fn reference_bytes(&self) -> &[u8] {
        self.digits.get(self.reference..SSCC_BODY).unwrap_or_default()
    }

    /// Goes on to the next serial reference; after the last one comes the first.
    #[inline]
    pub fn advance(&mut self) {
        let (body, check) = self.digits.split_at_mut(SSCC_BODY);
        let (_, reference) = body.split_at_mut(self.reference);
        for digit in reference.iter_mut().rev() {
            if *digit < b'9' {
                *digit = digit.wrapping_add(1);
                break;
            }
            *digit = b'0';
        }
        for slot in check {
            *slot = check_digit(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_run_writes_what_single_ssccs_are(
            company in "[0-9]{6,12}", extension in 0_u8..=9, seed in any::<u128>(), digits in 0_u32..=10,
        ) {
            let prefix = SsccPrefix::parse(&company, extension).unwrap();
            // Ends of decades are where carries happen.
            for start in [seed, 10_u128.pow(digits).saturating_sub(50)] {
                let start = start.checked_rem(prefix.capacity()).unwrap();
                let mut run = SsccRun::new(&prefix, start);
                for reference in (start..prefix.capacity()).take(100) {
                    let single = prefix.sscc(reference);
                    prop_assert_eq!(run.as_bytes(), single.as_str().as_bytes());
                    let digits = usize::from(prefix.reference_digits());
                    let written = format!("{reference:0digits$}");
                    prop_assert_eq!(run.reference_bytes(), written.as_bytes());
                    run.advance();
                }
            }
        }
    }
}
