//! The member names that mean something to the hub.

use crate::draft::Field;
use crate::event::EpcList;
use crate::lot::LotOrExpiry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Type,
    IsA,
    SchemaVersion,
    /// Holds events whatever their type says.
    EventList,
    /// Holds documents, lists or events.
    Body,
    Event,
    List(EpcList),
    Quantities,
    Field(Field),
    ReadPoint,
    BizLocation,
    ErrorDeclaration,
    Ilmd,
    /// Lot or expiry at the top of an event.
    Lot(Field),
    /// An extension, searched for lot and expiry.
    Foreign,
    /// A name of the standard without meaning here.
    Plain,
}

impl Member {
    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "type" => Self::Type,
            "isA" => Self::IsA,
            "schemaVersion" => Self::SchemaVersion,
            "eventList" => Self::EventList,
            "epcisBody" | "queryResults" | "resultsBody" => Self::Body,
            "event" => Self::Event,
            "quantityList" | "childQuantityList" | "inputQuantityList" | "outputQuantityList" => {
                Self::Quantities
            }
            "eventTime" => Self::Field(Field::Time),
            "action" => Self::Field(Field::Action),
            "bizStep" => Self::Field(Field::BizStep),
            "disposition" => Self::Field(Field::Disposition),
            "parentID" => Self::Field(Field::ParentId),
            "eventID" => Self::Field(Field::EventId),
            "readPoint" => Self::ReadPoint,
            "bizLocation" => Self::BizLocation,
            "errorDeclaration" => Self::ErrorDeclaration,
            "ilmd" => Self::Ilmd,
            "@context"
            | "id"
            | "recordTime"
            | "eventTimeZoneOffset"
            | "bizTransactionList"
            | "sourceList"
            | "destinationList"
            | "sensorElementList"
            | "persistentDisposition"
            | "transformationID"
            | "certificationInfo"
            | "creationDate"
            | "epcisHeader" => Self::Plain,
            _ => Self::rarer(name),
        }
    }

    fn rarer(name: &str) -> Self {
        if let Some(list) = EpcList::from_name(name.as_bytes()) {
            return Self::List(list);
        }
        lot_or_expiry(name).map_or(Self::Foreign, Self::Lot)
    }
}

/// The field that a member of an extension or of instance data names, under any prefix.
pub(super) fn lot_or_expiry(name: &str) -> Option<Field> {
    let local = name.rsplit([':', '/', '#']).next().unwrap_or(name);
    match LotOrExpiry::from_local(local.as_bytes())? {
        LotOrExpiry::Lot | LotOrExpiry::LooseLot => Some(Field::Lot),
        LotOrExpiry::Expiry | LotOrExpiry::LooseExpiry => Some(Field::Expiry),
    }
}
