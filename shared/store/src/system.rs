//! Connected systems: packaging lines and the software beside them, each with its own prefix.

use domain::gln::Gln;
use domain::ids::SystemId;

use crate::audit_record::AuditRecord;
use crate::error::{StoreError, sdk_error};
use crate::item::{Corrupt, Item, Reader, new_item, text};
use crate::keys::{Pk, Sk, listing};
use crate::pool::is_cancelled;
use crate::{Page, Store};

const ENTITY: &str = "system";

/// The kinds of systems, and whether numbers are dropped for them as files when they are reserved.
pub const SYSTEM_KINDS: [(&str, bool); 5] =
    [("generic", true), ("systech", true), ("rest", false), ("tracelink", false), ("sap", false)];

/// A connected system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its id.
    pub id: SystemId,
    /// One of [`SYSTEM_KINDS`].
    pub kind: String,
    /// The lines it drives.
    pub line_glns: Vec<Gln>,
    /// Creation time, RFC 3339.
    pub created_at: String,
}

impl System {
    /// Where the system drops its files, in the inbound bucket.
    #[must_use]
    pub fn inbound_prefix(&self) -> String {
        format!("inbound/{}/", self.id)
    }

    /// Where files for the system are put, in the outbound bucket.
    #[must_use]
    pub fn outbound_prefix(&self) -> String {
        format!("outbound/{}/", self.id)
    }

    /// Whether numbers are dropped as files when they are reserved.
    #[must_use]
    pub fn takes_files(&self) -> bool {
        SYSTEM_KINDS.iter().any(|(kind, files)| *files && *kind == self.kind)
    }
}

fn to_item(system: &System) -> Item {
    let mut item = new_item(&Pk::System(system.id.clone()), &Sk::System, ENTITY);
    let lines = system.line_glns.iter().map(|gln| text(gln.as_str())).collect();
    let fields = [
        ("id", text(system.id.as_str())),
        ("kind", text(system.kind.as_str())),
        ("line_glns", aws_sdk_dynamodb::types::AttributeValue::L(lines)),
        ("created_at", text(system.created_at.as_str())),
        ("list_pk", text(listing::SYSTEM)),
        ("list_sk", text(system.id.as_str())),
    ];
    item.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    item
}

fn from_item(item: &Item) -> Result<System, Corrupt> {
    let reader = Reader::new(item, ENTITY)?;
    let lines: Result<Vec<Gln>, Corrupt> = reader
        .texts("line_glns")?
        .iter()
        .map(|line| Gln::parse(line).map_err(|_| reader.corrupt("line_glns", "is malformed")))
        .collect();
    Ok(System {
        id: reader.typed("id")?,
        kind: reader.text("kind")?.to_owned(),
        line_glns: lines?,
        created_at: reader.text("created_at")?.to_owned(),
    })
}

impl Store {
    /// Creates a system, with its audit record (I11); one of the same id is never replaced. The id of nobody is
    /// taken for ever.
    pub async fn system_create(&self, system: &System, actor: &str) -> Result<(), StoreError> {
        if system.id == SystemId::unknown() {
            return Err(StoreError::AlreadyExists { what: "the system" });
        }
        let pk = Pk::System(system.id.clone());
        let record = AuditRecord::new(&system.created_at, actor, "create", 0)
            .changing(None, Some(&system.kind));
        let writes = vec![self.put_new(to_item(system))?, self.audit_first(&pk, record)?];
        match self.dynamo.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_cancelled(&error) => {
                Err(StoreError::AlreadyExists { what: "the system" })
            }
            Err(error) => Err(sdk_error("TransactWriteItems system", &error)),
        }
    }

    /// A system; strongly consistent.
    pub async fn system_fetch(&self, id: &SystemId) -> Result<Option<System>, StoreError> {
        let item = self.item_fetch("GetItem system", &Pk::System(id.clone()), &Sk::System).await?;
        Ok(item.as_ref().map(from_item).transpose()?)
    }

    /// One page of systems; read from the index, so it may lag a moment.
    pub async fn system_list(&self, after: Option<&str>) -> Result<Page<System>, StoreError> {
        let page = self.listing_page(listing::SYSTEM, None, after).await?;
        let items: Result<Vec<System>, Corrupt> = page.items.iter().map(from_item).collect();
        Ok(Page { items: items?, next: page.next })
    }
}
