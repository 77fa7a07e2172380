//! Texts that come from outside or from the table: what is read is written again as it was.

use domain::gln::Gln;
use domain::gtin::Gtin14;
use domain::ids::{AllocationId, PoolId, RequestId, SystemId};
use domain::sscc::Sscc;
use edge::credential_text::CredentialText;
use linefiles::FileKind;
use store::keys::{Pk, Sk};
use store::time::{parse_rfc3339, rfc3339_ms};

pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    same(text, text.parse::<Pk>());
    same(text, text.parse::<Sk>());
    same(text, AllocationId::parse(text));
    same(text, PoolId::parse(text));
    same(text, RequestId::parse(text));
    same(text, SystemId::parse(text));
    same(text, Gln::parse(text));
    same(text, Gtin14::parse(text));
    same(text, text.parse::<FileKind>());
    if let Ok(sscc) = Sscc::parse(text) {
        assert_eq!(Sscc::parse(&sscc.to_string()), Ok(sscc));
    }
    if let Some(gln) = Gln::from_location(text) {
        assert_eq!(Gln::parse(gln.as_str()), Ok(gln));
    }
    if let Ok(gtin) = Gtin14::parse_padded(text) {
        assert_eq!(Gtin14::parse_padded(gtin.as_str()), Ok(gtin));
    }
    if let Some(credential) = CredentialText::parse_header(text) {
        let bearer = format!("Bearer tp_{}_{}", credential.id(), credential.secret());
        assert!(CredentialText::parse_header(&bearer) == Some(credential), "{bearer}");
    }
    if let Some(at) = parse_rfc3339(text) {
        let written = rfc3339_ms(at);
        assert_eq!(parse_rfc3339(&written).map(rfc3339_ms), Some(written));
    }
}

fn same<T: ToString, E>(text: &str, read: Result<T, E>) {
    if let Ok(read) = read {
        assert_eq!(read.to_string(), text);
    }
}
