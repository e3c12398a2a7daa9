//! `bando why`.

use billing::{admins::Role, why::StepState};

use super::{
    Failure,
    text::{json_line, say},
};
use crate::application::Engine;

/// Says why a customer cannot get on. Fails when the customer is not on.
pub(super) async fn run(engine: &Engine, question: &str, json: bool) -> Result<(), Failure> {
    let why = engine.billing.why(question, Role::Owner).await?;
    if why.kind == "unknown" && !json {
        return Err(Failure::usage([Some(why.verdict), why.todo].into_iter().flatten().collect::<Vec<_>>().join("\n")));
    }
    if json {
        json_line(&crate::http::why_answer(&why));
    } else {
        for step in &why.steps {
            let mark = match step.state {
                StepState::Ok => "ok",
                StepState::Wrong => "WRONG",
                StepState::Waiting => "waiting",
                StepState::Unknown => "?",
            };
            say(&format!("{mark:<8} {:<8} {}", step.station, step.text));
        }
        say(&why.verdict);
        if let Some(todo) = &why.todo {
            say(&format!("-> {todo}"));
        }
        for deed in &why.done {
            say(&format!("{} {}", deed.at.format("%F %H:%M UTC"), deed.text));
        }
    }
    match (why.is_well, why.kind) {
        (true, _) => Ok(()),
        (false, "unknown") => Err(Failure::usage(why.verdict)),
        (false, _) => Err(Failure::new("the customer is not on")),
    }
}
