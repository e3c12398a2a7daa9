//! `bando admin`.

use billing::{
    Billing,
    admins::{AdminError, Role},
};
use clap::{Args, Subcommand, ValueEnum};

use super::{Failure, text};

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Add somebody who may log in.
    Add {
        /// Their name: 3 to 64 letters, digits, dots, - _ or @.
        #[arg(long)]
        username: String,
        /// What they may do.
        #[arg(long, value_enum, default_value_t = RoleName::Owner)]
        role: RoleName,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Give somebody a new password and end all their logins.
    Reset {
        /// Their name.
        #[arg(long)]
        username: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

/// Where the password comes from; a person is asked when neither is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct PasswordSource {
    /// The password. Others on this machine may see it: prefer --password-stdin.
    #[arg(long)]
    password: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordSource {
    pub(super) fn read(self, twice: bool) -> Result<secrecy::SecretString, Failure> {
        text::password(self.password, self.password_stdin, twice)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RoleName {
    /// Everything.
    Owner,
    /// Everything but paying back and other admins.
    Cashier,
}

pub(super) async fn run(command: AdminCommand, billing: &Billing) -> Result<(), Failure> {
    match command {
        AdminCommand::Add { username, role, password } => {
            let role = match role {
                RoleName::Owner => Role::Owner,
                RoleName::Cashier => Role::Cashier,
            };
            billing.add_admin(&username, password.read(true)?, role).await?;
            text::say(&format!("{username} may now log in as {}", role.as_str()));
        }
        AdminCommand::Reset { username, password } => {
            billing.reset_admin_password(&username, password.read(true)?).await?;
            text::say(&format!("{username} has a new password; every login made before is over"));
        }
    }
    Ok(())
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Store(error) => error.into(),
            AdminError::Username | AdminError::Password => Self::usage(error.to_string()),
            AdminError::Taken | AdminError::Unknown | AdminError::Hash => Self::new(error.to_string()),
        }
    }
}
