//! What `pharmatrace bench` measures, in small: a million serials through the deployed function with the
//! report of the general path (I5, I10), and the traffic of a plant without a wrong answer.

use pharmatrace::bench::documents::{self, Form};
use pharmatrace::bench::load;

use crate::flow_kit::Hub;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_serials_and_a_mixed_load_stay_within_their_budgets() {
    let hub = Hub::start().await;
    let dense_and_unusual = vec![Form::Dense, Form::Unusual];
    for (serials, forms) in [(20_000, Form::ALL.to_vec()), (1_000_000, dense_and_unusual)] {
        let number = forms.len();
        let options = documents::Options::new(vec![serials], forms);
        let sheet = Box::pin(documents::measure(&hub.cloud.hub, &options)).await.unwrap();
        assert!(sheet.holds(), "{}", sheet.lines().join("\n"));
        assert_eq!(sheet.rows.len(), number);
    }
    // Its audit reads the documents above again as well.
    let options = load::Options::of(8, 200);
    let sheet = Box::pin(load::measure(&hub.cloud.hub, &options)).await.unwrap();
    assert!(sheet.holds(), "{}", sheet.lines().join("\n"));
    assert!(sheet.reconciled() > 0, "{}", sheet.lines().join("\n"));
    hub.stop().await;
}
