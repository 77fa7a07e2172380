//! The end of a run, and its review.

use serde_json::{Value, json};

use super::{ALLOCATIONS, Doing, says};
use crate::op::How;
use crate::plant::Answer;
use crate::reference::Reference;

impl Doing {
    pub(super) async fn end(&self, next: &mut Reference, id: &str, (reported, how): (u64, How)) {
        let one = &next.allocations[id];
        let system = one.system;
        let body = json!({"production": [{
            "packaging_code": one.wish.gtin, "packaging_level": "EA", "quantity_reported": reported,
        }]});
        let (said, off) = next.close(id, Some(reported));
        let answer = self.decide((system, &format!("{id}/close")), &body, (said, how)).await;
        if let Some(off) = off {
            let sha = answer.body["closing"]["document"]["sha256"].as_str().unwrap();
            next.doubt(id, sha, off);
        }
    }

    /// A decision about an allocation; the last answer.
    pub(super) async fn decide(
        &self,
        (of, path): (&str, &str),
        body: &Value,
        (said, how): ((u16, &str), How),
    ) -> Answer {
        let path = format!("{ALLOCATIONS}/{path}");
        let (route, body) = (("POST", path.as_str()), Some(body));
        if let How::Dies(death) = how {
            self.dying(death).ask(of, route, body).await;
        }
        let answer = if how == How::Twice {
            let other = self.plant.process(None);
            let both = tokio::join!(self.live.ask(of, route, body), other.ask(of, route, body));
            says(&both.0, said);
            both.1
        } else {
            self.live.ask(of, route, body).await
        };
        says(&answer, said);
        answer
    }
}
