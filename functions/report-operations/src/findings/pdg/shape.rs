//! The shape of an exception report, as PDG's schema has it. Parts that a report does not have are left out;
//! the schema allows that everywhere but where it says so.

use serde::Serialize;
use utoipa::ToSchema;

/// An exception report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgReport)]
pub(crate) struct Report {
    pub(super) message_uuid: String,
    pub(super) exception_case_uuid: String,
    /// Seconds since 1970: when the finding last changed.
    pub(super) timestamp: i64,
    /// Empty where none is known.
    pub(super) po_number: String,
    pub(super) sender_information: Contact,
    pub(super) exceptions: Exceptions,
    pub(super) other_errors: Option<Vec<String>>,
    pub(super) case_resolved: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgContact)]
pub(super) struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) gln: Option<String>,
    pub(super) email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) phone: Option<String>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = PdgExceptions)]
pub(super) struct Exceptions {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) missing_product_data: Vec<MissingProductData>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) data_misalignment: Vec<DataMisalignment>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) overages: Vec<Overage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) master_data_errors: Option<MasterDataErrors>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgMissingProductData)]
pub(super) struct MissingProductData {
    pub(super) exception_item_uuid: String,
    pub(super) product_gtin: String,
    pub(super) observation_source: &'static str,
    pub(super) resolution_request: &'static str,
    #[schema(required)]
    pub(super) product_serial: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgDataMisalignment)]
pub(super) struct DataMisalignment {
    pub(super) exception_item_uuid: String,
    pub(super) received_product_gtin: String,
    pub(super) received_product_lot: String,
    pub(super) received_product_expiry: String,
    #[schema(required)]
    pub(super) received_product_serial: Option<String>,
    pub(super) product_data_gtin: String,
    pub(super) product_data_lot: String,
    pub(super) product_data_expiry: String,
    #[schema(required)]
    pub(super) product_data_serial: Option<String>,
    pub(super) resolution_request: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgOverage)]
pub(super) struct Overage {
    pub(super) exception_item_uuid: String,
    pub(super) gtin: String,
    pub(super) quantity_ordered: u64,
    pub(super) quantity_received: u64,
    pub(super) resolution_request: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgMasterDataErrors)]
pub(super) struct MasterDataErrors {
    pub(super) gtin_errors: Vec<GtinError>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PdgGtinError)]
pub(super) struct GtinError {
    pub(super) exception_item_uuid: String,
    pub(super) invalid_gtin: String,
    pub(super) resolution_request: &'static str,
}
