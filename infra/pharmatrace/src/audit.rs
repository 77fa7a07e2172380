//! `pharmatrace audit`.

use crate::error::CommandError;
use crate::hub::Hub;

/// Proves the invariants from the table and the documents; `true` if none is broken.
///
/// # Errors
/// If the hub cannot be read.
pub async fn run(hub: &Hub, json: bool) -> Result<bool, CommandError> {
    let _ = (hub.store().await?, json);
    Err(CommandError::Failed("not built yet".to_owned()))
}
