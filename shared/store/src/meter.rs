//! Write units that a piece of work consumed, as DynamoDB reported them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};

use crate::Store;
use crate::error::{StoreError, sdk_error};
use crate::item::{Item, number};

/// Counts write units, secondary indexes included; clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Adds what an answer reports.
    pub fn add<'a>(&self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        for capacity in consumed {
            let units = capacity.capacity_units().unwrap_or_default().ceil();
            // Whole units fit a text without exponent, and that needs no lossy cast.
            self.0.fetch_add(format!("{units:.0}").parse().unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// The units so far.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Store {
    /// Puts an item unless its key is taken; `false` when it is.
    pub(crate) async fn put_if_absent(
        &self,
        operation: &'static str,
        item: Item,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        let put = self.dynamo.put_item().set_item(Some(item));
        self.put_where(operation, put.condition_expression("attribute_not_exists(pk)"), meter).await
    }

    /// Puts an item in the place of the version that was read, 0 where there was none; `false` when it is
    /// another one by now.
    pub(crate) async fn put_version(
        &self,
        operation: &'static str,
        item: Item,
        seen: u64,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        if seen == 0 {
            return self.put_if_absent(operation, item, meter).await;
        }
        let put = self.dynamo.put_item().set_item(Some(item));
        let put = put
            // Two writers at once lose nothing: the item is the one that was read.
            .condition_expression("#version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(seen));
        self.put_where(operation, put, meter).await
    }

    /// `false` when the condition of the write does not hold.
    async fn put_where(
        &self,
        operation: &'static str,
        put: PutItemFluentBuilder,
        meter: &Meter,
    ) -> Result<bool, StoreError> {
        let put = put.table_name(&*self.table);
        match put.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
            Ok(output) => {
                meter.add(output.consumed_capacity());
                Ok(true)
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error(operation, &error)),
        }
    }
}
