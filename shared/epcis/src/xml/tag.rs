//! The element names that mean something to the hub, by local name.

use crate::event::{EpcList, EventKind};
use crate::lot::LotOrExpiry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Document,
    QueryDocument,
    MasterDataDocument,
    EventList,
    Event(EventKind),
    Extension,
    BaseExtension,
    List(EpcList),
    Epc,
    Ilmd,
    QuantityElement,
    EpcClass,
    EventTime,
    Action,
    BizStep,
    Disposition,
    ParentId,
    ReadPoint,
    BizLocation,
    Id,
    EventId,
    ErrorDeclaration,
    DeclarationTime,
    Reason,
    /// A name that means the lot wherever it stands in an event.
    Lot,
    /// `lot`, which does so only in instance data and in foreign extensions.
    LooseLot,
    Expiry,
    LooseExpiry,
    Other,
}

impl Tag {
    pub(crate) fn from_local(name: &[u8]) -> Self {
        match name {
            b"epc" => Self::Epc,
            b"EventList" => Self::EventList,
            b"EPCISDocument" => Self::Document,
            b"EPCISQueryDocument" => Self::QueryDocument,
            b"EPCISMasterDataDocument" => Self::MasterDataDocument,
            b"extension" => Self::Extension,
            b"baseExtension" => Self::BaseExtension,
            b"ilmd" => Self::Ilmd,
            b"quantityElement" => Self::QuantityElement,
            b"epcClass" => Self::EpcClass,
            b"eventTime" => Self::EventTime,
            b"action" => Self::Action,
            b"bizStep" => Self::BizStep,
            b"disposition" => Self::Disposition,
            b"parentID" => Self::ParentId,
            b"readPoint" => Self::ReadPoint,
            b"bizLocation" => Self::BizLocation,
            b"id" => Self::Id,
            b"eventID" => Self::EventId,
            b"errorDeclaration" => Self::ErrorDeclaration,
            b"declarationTime" => Self::DeclarationTime,
            b"reason" => Self::Reason,
            b"epcList" | b"childEPCs" | b"inputEPCList" | b"outputEPCList" => {
                EpcList::from_name(name).map_or(Self::Other, Self::List)
            }
            _ => Self::rarer(name),
        }
    }

    fn rarer(name: &[u8]) -> Self {
        match LotOrExpiry::from_local(name) {
            Some(LotOrExpiry::Lot) => Self::Lot,
            Some(LotOrExpiry::LooseLot) => Self::LooseLot,
            Some(LotOrExpiry::Expiry) => Self::Expiry,
            Some(LotOrExpiry::LooseExpiry) => Self::LooseExpiry,
            None => EventKind::from_name(name).map_or(Self::Other, Self::Event),
        }
    }
}
