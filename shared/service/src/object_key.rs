//! What numbers are asked for, as requests say it: a GTIN, or a company prefix with its extension digit.

use domain::gtin::Gtin14;
use domain::object_key::ObjectKey;
use domain::sscc::{SsccPrefix, SsccPrefixError};

/// The fields of a body that say what the numbers are numbers of.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyFields<'a> {
    /// `SGTIN` when left out.
    pub encoding: Option<&'a str>,
    /// Of SGTINs.
    pub gtin: Option<&'a str>,
    /// Of SSCCs.
    pub company_prefix: Option<&'a str>,
    /// Of SSCCs.
    pub extension_digit: Option<u8>,
}

/// A field that is wrong: its place in the body, and what it must be.
pub type WrongField = (&'static str, String);

impl KeyFields<'_> {
    /// The key.
    ///
    /// # Errors
    /// The field that is missing, malformed, or of the other kind of number.
    pub fn key(&self) -> Result<ObjectKey, WrongField> {
        let wrong = |pointer, detail: &str| Err((pointer, detail.to_owned()));
        match self.encoding.unwrap_or("SGTIN") {
            "SGTIN" => {
                if self.company_prefix.is_some() {
                    return wrong("/company_prefix", "belongs to the encoding SSCC");
                }
                if self.extension_digit.is_some() {
                    return wrong("/extension_digit", "belongs to the encoding SSCC");
                }
                let Some(gtin) = self.gtin else { return wrong("/gtin", "is missing") };
                let gtin = Gtin14::parse_padded(gtin);
                Ok(gtin.map_err(|error| ("/gtin", error.to_string()))?.into())
            }
            "SSCC" => {
                if self.gtin.is_some() {
                    return wrong("/gtin", "belongs to the encoding SGTIN");
                }
                let Some(prefix) = self.company_prefix else {
                    return wrong("/company_prefix", "is missing");
                };
                let Some(digit) = self.extension_digit else {
                    return wrong("/extension_digit", "is missing");
                };
                let key = SsccPrefix::parse(prefix, digit).map_err(|error| {
                    let pointer = match error {
                        SsccPrefixError::CompanyPrefix => "/company_prefix",
                        SsccPrefixError::Extension => "/extension_digit",
                    };
                    (pointer, error.to_string())
                });
                Ok(key?.into())
            }
            _ => wrong("/encoding", "SGTIN or SSCC"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        (encoding, gtin): (Option<&str>, Option<&str>),
        (company_prefix, extension_digit): (Option<&str>, Option<u8>),
        expected: Result<&str, &str>,
    ) {
        let fields = KeyFields { encoding, gtin, company_prefix, extension_digit };
        let key = fields.key().map(|key| key.to_string()).map_err(|(pointer, _)| pointer);
        assert_eq!(key.as_deref().map_err(|pointer| *pointer), expected, "{fields:?}");
    }

    #[test]
    fn numbers_are_of_a_gtin_or_of_a_company_prefix_and_never_of_both() {
        let (gtin, sscc, prefix) = (Some("313000007772"), Some("SSCC"), Some("0355555"));
        check((None, gtin), (None, None), Ok("00313000007772"));
        check((Some("SGTIN"), gtin), (None, None), Ok("00313000007772"));
        check((sscc, None), (prefix, Some(1)), Ok("0355555.1"));
        check((None, None), (None, None), Err("/gtin"));
        check((None, Some("1")), (None, None), Err("/gtin"));
        check((None, gtin), (prefix, None), Err("/company_prefix"));
        check((None, gtin), (None, Some(1)), Err("/extension_digit"));
        check((None, None), (prefix, Some(1)), Err("/company_prefix"));
        check((sscc, gtin), (prefix, Some(1)), Err("/gtin"));
        check((sscc, None), (None, Some(1)), Err("/company_prefix"));
        check((sscc, None), (prefix, None), Err("/extension_digit"));
        check((sscc, None), (Some("03555"), Some(1)), Err("/company_prefix"));
        check((sscc, None), (Some("0355555555555"), Some(1)), Err("/company_prefix"));
        check((sscc, None), (Some("03555x5"), Some(1)), Err("/company_prefix"));
        check((sscc, None), (prefix, Some(10)), Err("/extension_digit"));
        check((Some("CN_EDMC"), gtin), (None, None), Err("/encoding"));
    }
}
