//! What identifiers share before their serial: nearly every one begins like the one before it.

use std::borrow::Cow;

use domain::epc::Sgtin;
use domain::gtin::Gtin14;

/// The text before a serial, with the GTIN it names and that GTIN's number in the catalog.
#[derive(Debug, Default)]
pub struct Stem {
    text: String,
    of: Option<(Gtin14, usize)>,
}

impl Stem {
    /// GTIN, its number, and what follows the stem. Where that is one to twenty letters and digits, it is
    /// the serial.
    #[inline]
    #[must_use]
    pub fn strip<'a>(&self, text: &'a str) -> Option<(Gtin14, usize, &'a str)> {
        let (gtin, number) = self.of?;
        Some((gtin, number, text.strip_prefix(self.text.as_str())?))
    }

    /// Keeps the stem of a URN or of a Digital Link that ends with its serial. Whichever letters
    /// and digits follow it, they are the serial of the same GTIN: they make no key of a link and need no escape.
    pub fn remember(&mut self, text: &str, sgtin: &Sgtin<'_>, number: usize) {
        let Cow::Borrowed(serial) = sgtin.serial else { return };
        let before = serial.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        if let Some((stem, end)) = text.split_at_checked(before)
            && end.len() == serial.len()
        {
            self.text.clear();
            self.text.push_str(stem);
            self.of = Some((sgtin.gtin, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::epc::{Epc, parse_epc};

    use super::{Sgtin, Stem};

    fn sgtin(text: &str) -> Sgtin<'_> {
        match parse_epc(text) {
            Ok(Epc::Sgtin(sgtin)) => sgtin,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The stem of a text, after which serials of digits are read as without it.
    fn check(text: &str, expected: Option<&str>) {
        let mut stem = Stem::default();
        stem.remember(text, &sgtin(text), 3);
        assert_eq!(stem.of.map(|_| stem.text.as_str()), expected, "{text}");
        for serial in ["7", "000000001234", "12345678901234567890", "K7Z", "ser", "gtin00"] {
            let Some(before) = expected else { continue };
            let next = format!("{before}{serial}");
            let parsed = sgtin(&next);
            assert_eq!(parsed.serial, serial, "{next}");
            assert_eq!(stem.strip(&next), Some((parsed.gtin, 3, serial)), "{next}");
        }
    }

    #[test]
    fn the_text_before_a_serial_is_shared() {
        let urn = "urn:epc:id:sgtin:0313000.000777.";
        check(&format!("{urn}000000010000"), Some(urn));
        check(&format!("{urn}a.b"), Some(urn));
        check(&format!("{urn}a%2Fb"), None);
        let link = "https://id.gs1.org/01/00313000007772/21/";
        check(&format!("{link}007"), Some(link));
        check(&format!("{link}a%2Fb"), None);
        let lot = "https://x.example/a/gtin/313000007772/10/L/ser/";
        check(&format!("{lot}7"), Some(lot));
    }

    #[test]
    fn a_link_that_goes_on_after_its_serial_shares_nothing() {
        let link = "https://id.gs1.org/01/00313000007772/21/7";
        for rest in ["/10/7", "/21/7", "?17=7", "#7", "/"] {
            check(&format!("{link}{rest}"), None);
        }
    }
}
