//! Connecting routers in one paste: the conversation by hand, with what only an enemy or a broken router would say, and
//! real pastes into simulated routers of every release.

mod by_hand;
mod interrupted;
mod pasted;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Stack, until};

impl Stack {
    /// Begins a set-up as the owner and gives the answer.
    pub(crate) async fn begin_setup(&self, name: &str, reach: &str) -> Value {
        let answer = self.change("/api/admin/routers/setups", &json!({"name": name, "reach": reach})).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    pub(crate) async fn setup(&self, id: &str) -> Value {
        self.get_json(&format!("/api/admin/routers/setups/{id}")).await
    }

    /// Waits until a set-up is in a state.
    pub(crate) async fn until_setup(&self, id: &str, state: &str) -> Value {
        until(&format!("the set-up is {state}"), async || self.setup(id).await["state"] == state).await;
        self.setup(id).await
    }

    pub(crate) async fn approve_setup(&self, id: &str) -> Value {
        let answer = self.change(&format!("/api/admin/routers/setups/{id}/approve"), &json!({})).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        self.setup(id).await
    }
}

/// The path in a line to paste, such as `/r/0123…`.
pub(crate) fn path_of(command: &Value) -> String {
    let url = command.as_str().unwrap().split('"').nth(1).unwrap();
    url::Url::parse(url).unwrap().path().to_owned()
}

pub(crate) fn id_of(setup: &Value) -> String {
    setup["id"].as_str().unwrap().to_owned()
}
