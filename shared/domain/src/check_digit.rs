//! The GS1 mod-10 check digit (GS1 General Specifications, section 7.9).

/// The check digit, as an ASCII byte, of a body of ASCII digits.
pub(crate) fn check_digit(body: &[u8]) -> u8 {
    let mut sum: u32 = 0;
    for (place, digit) in body.iter().rev().enumerate() {
        let weight = if place % 2 == 0 { 3 } else { 1 };
        let value = u32::from(digit.wrapping_sub(b'0'));
        sum = sum.wrapping_add(value.wrapping_mul(weight));
    }
    let digit = 10_u32.wrapping_sub(sum % 10) % 10;
    b'0'.wrapping_add(u8::try_from(digit).unwrap_or(0))
}

/// Whether the last of these ASCII digits is the check digit of the others.
pub(crate) fn is_valid(digits: &[u8]) -> bool {
    digits.split_last().is_some_and(|(last, body)| *last == check_digit(body))
}
