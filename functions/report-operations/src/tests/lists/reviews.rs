//! The page of a review: its form, and what it says came of it.

use sha2::{Digest, Sha256};
use store::credential::Credential;

use super::*;
use crate::tests::page::SECRET;

#[tokio::test]
async fn the_form_is_for_who_may_review_and_what_came_of_it_is_said_in_our_words() {
    let desk = Desk::open().await;
    let id = desk.doubted().await;
    let path = format!("/operations/reviews/{id}");
    let lead = desk.signed_in("lead").await;
    let page = desk.page(&path, &lead).await;
    assert!(page.contains(&format!("action=\"../reviews/{id}\"")), "{page}");
    assert!(page.contains(&format!("value=\"{}\"", desk.form_token(&lead).await)), "{page}");
    assert!(!page.contains("role=\"alert\""), "{page}");
    let reader = desk.signed_in("reader").await;
    let page = desk.page(&path, &reader).await;
    assert!(page.contains("findings:write") && !page.contains("value=\"accept\""), "{page}");
    for (query, expected) in [
        ("done=accept", Some("the end of the run is accepted")),
        ("done=reopen", Some("the run goes on")),
        ("refused=eyes", Some("who closed the run cannot review it")),
        ("refused=reason", Some("give a reason")),
        ("refused=form", Some("was not sent from this page")),
        ("refused=%3Cimg%3E", Some("Not done. Try again")),
        ("done=%3Cimg%3E", None),
        ("x=1", None),
    ] {
        let page = desk.page(&format!("{path}?{query}"), &lead).await;
        let said = page.split("role=\"alert\">").nth(1).map(|rest| rest.split('<').next().unwrap());
        match expected {
            None => assert_eq!(said, None, "{query}"),
            Some(words) => {
                assert!(said.is_some_and(|said| said.contains(words)), "{query} {said:?}");
            }
        }
        assert!(!page.contains("img&gt;"), "what an address says is not shown: {page}");
    }
}

#[tokio::test]
async fn who_closed_a_run_is_told_to_leave_it_to_somebody_else() {
    let desk = Desk::open().await;
    let id = desk.doubted().await;
    let line =
        Credential::new("line", system("L1"), Sha256::digest(SECRET.as_bytes()).into(), &at(0));
    let line = Credential { scopes: vec!["operator".to_owned()], ..line };
    desk.bench.store.credential_create(&line, "test").await.unwrap();
    let closer = desk.signed_in("line").await;
    let page = desk.page(&format!("/operations/reviews/{id}"), &closer).await;
    assert!(page.contains("You closed this run") && !page.contains("value=\"accept\""), "{page}");
}
