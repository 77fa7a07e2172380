//! Where the dialects keep lot and expiry: by local name, in XML and in JSON.

/// Names of lot and expiry in CBV master data, GS1 US, SAP and TraceLink dialects, in XML and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LotOrExpiry {
    Lot,
    LooseLot,
    Expiry,
    LooseExpiry,
}

impl LotOrExpiry {
    pub(crate) fn from_local(name: &[u8]) -> Option<Self> {
        match name {
            b"lotNumber" | b"LOTNO" | b"hasBatchLotNumber" => Some(Self::Lot),
            b"lot" => Some(Self::LooseLot),
            b"itemExpirationDate" | b"DATEX" => Some(Self::Expiry),
            b"expiry" | b"expirationDate" => Some(Self::LooseExpiry),
            _ => None,
        }
    }
}
