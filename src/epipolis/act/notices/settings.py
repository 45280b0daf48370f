from dataclasses import dataclass

from epipolis.core.modules import settings_from_env


@dataclass(frozen=True)
class Settings:
    hotline: str = ""  # the telephone number that messages name for questions
    country: str = ""  # its telephone code, such as 886: numbers that begin with one 0 are taken for its own
    sender: str = ""  # the address from which e-mail comes; without it no e-mail is sent
    smtp_host: str = ""  # the city's mail server; without it no e-mail is sent
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""  # secret
    smtp_security: str = "starttls"  # starttls, tls, or none on this machine only
    return_address: str = ""  # to which mail servers return what they could not deliver; empty: the sender
    imap_host: str = ""  # the server of that mailbox; without it mail that comes back is not noticed
    imap_port: int = 993
    imap_user: str = ""
    imap_password: str = ""  # secret
    imap_security: str = "tls"  # tls, starttls, or none on this machine only
    imap_folder: str = "INBOX"  # kept for returns alone, best of all
    imap_done: str = ""  # the folder into which a return goes once it was noted; empty: it stays, marked as read
    sms_url: str = ""  # where the SMS gateway takes messages as JSON; without it no SMS is sent
    sms_token: str = ""  # secret; sent as bearer token
    sms_sender: str = ""  # the number or name from which SMS come
    sms_secret: str = ""  # secret with which the gateway signs its reports; without it none is taken
    whatsapp_url: str = "https://graph.facebook.com/v20.0"
    whatsapp_number: str = ""  # the id of the number from which is sent; without it nothing goes by WhatsApp
    whatsapp_token: str = ""  # secret
    whatsapp_secret: str = ""  # secret of the application, with which reports are signed
    whatsapp_verify: str = ""  # secret that is told when the address for reports is entered there
    push_contact: str = ""  # mailto: address that push services are told; without it none is told
    push_hosts: str = "fcm.googleapis.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"  # asked
    timeout_seconds: int = 15  # for an answer of a provider
    at_once: int = 500  # messages that a worker takes in one batch
    lines: int = 8  # connections to a provider at the same time
    round_seconds: int = 50  # so long one round of the worker goes on while something waits
    first_wait_seconds: int = 20  # before the second try; each wait is twice the one before
    longest_wait_seconds: int = 3_600
    most_tries: int = 8  # of one channel; then the next one is tried
    unsure_seconds: int = 300  # a message of which nobody knows whether it left waits so long for the provider's report
    broadcast_at_once: int = 1_000  # people to whom a warning is queued in one transaction
    keep_days: int = 90  # texts, numbers and addresses of messages are erased so long after they ended
    proof_days: int = 1_095  # that a message went out, without its text, so that it stays known who was told what when


settings = settings_from_env("notices", Settings)
