//! Keys that a test knows in the place of those that the hub drew: what is printed follows from a seed then, and
//! a reference that does not ask the product knows it as well. The seal is written out here once more.
#![expect(clippy::disallowed_methods, reason = "the key is exchanged past the crate store")]

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use aws_sdk_dynamodb::types::AttributeValue;
use store::kms::Context;

use crate::plant::Plant;
use crate::spaces::{FORMS, key};

impl Plant {
    /// Seals the model's key of a space in the place of the one that is there.
    pub async fn plant_key(&self, (gtin, id): (&str, &str), space: usize) {
        let (data_key, blob) = self.kms(None).data_key(Context { gtin, space: id }).await.unwrap();
        let form = &FORMS[space];
        let length = form.length.to_string();
        let parts =
            ["pharmatrace space key 1", &self.table, gtin, id, form.prefix, form.alphabet, &length];
        let mut aad = Vec::new();
        for part in parts {
            aad.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            aad.extend(part.as_bytes());
        }
        let nonce = [7; 12];
        let payload = Payload { msg: &key(gtin, space), aad: &aad };
        let sealed = Aes256Gcm::new(&(*data_key).into()).encrypt(&Nonce::from(nonce), payload);
        let names = ["key_blob", "key_nonce", "key_sealed"];
        let mut call = self.dynamo.client().update_item().table_name(&self.table);
        for (name, bytes) in names.into_iter().zip([blob, nonce.to_vec(), sealed.unwrap()]) {
            call = call
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), AttributeValue::B(bytes.into()));
        }
        let place = [("pk", format!("GTIN#{gtin}")), ("sk", format!("SPACE#{id}"))];
        for (name, value) in place {
            call = call.key(name, AttributeValue::S(value));
        }
        call.update_expression(
            "SET #key_blob = :key_blob, #key_nonce = :key_nonce, #key_sealed = :key_sealed",
        )
        .condition_expression("attribute_exists(pk)")
        .send()
        .await
        .unwrap();
    }
}
