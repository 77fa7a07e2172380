//! First calls while a function starts, so that its first request pays for no connection.
//!
//! One cheap read of each service, and of each bucket because each has a host of its own: it does the
//! TLS handshake and everything that the SDK does once. Callers join them, so that they wait for the
//! network together. Each is one that every role may make, so that a start leaves no denied call behind.
//! What comes of it does not matter: a real call will say what is wrong.

use std::time::Duration;

use tokio::time::timeout;

use crate::keys::{Pk, Sk};
use crate::{Objects, Store, item};

/// A service that is slower than this is left to the first request; a start may take ten seconds in all.
const WARM_UP_MAX: Duration = Duration::from_secs(2);

impl Store {
    /// A read of a credential that does not exist: every role may read credentials.
    pub async fn warm_up(&self) {
        let key = item::key(&Pk::Credential(String::new()), &Sk::Credential);
        let call = self.dynamo.get_item().table_name(&*self.table).set_key(Some(key));
        drop(timeout(WARM_UP_MAX, call.send()).await);
    }
}

impl Objects {
    /// Asks whether `bucket` is there; the role must be allowed to list it.
    pub async fn warm_up(&self, bucket: &str) {
        drop(timeout(WARM_UP_MAX, self.s3.head_bucket().bucket(bucket).send()).await);
    }
}

/// Asks for the attributes of a queue; the role must be allowed to.
pub async fn warm_up_queue(sqs: &aws_sdk_sqs::Client, url: &str) {
    drop(timeout(WARM_UP_MAX, sqs.get_queue_attributes().queue_url(url).send()).await);
}
