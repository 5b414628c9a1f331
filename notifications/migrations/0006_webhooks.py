"""Addresses of an organization's own that hear of every change."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from accounts.policies import Referable, Reference, Wall

OUTCOMES = [
    ("recovered", "Recovered"),
    ("overtaken", "Overtaken"),
    ("not_wanted", "Not Wanted"),
    ("refused", "Refused"),
    ("bad_address", "Bad Address"),
    ("exhausted", "Exhausted"),
]


def outcome() -> models.CharField:  # type: ignore[type-arg]
    return models.CharField(blank=True, choices=OUTCOMES, max_length=20)


def of_organization(name: str) -> models.ForeignKey:  # type: ignore[type-arg]
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE,
        related_name=name,
        to="accounts.organization",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_escalation"),
        ("notifications", "0005_digests"),
        ("tokens", "0005_engine"),
    ]

    operations = [
        migrations.AlterField("notice", "outcome", outcome()),
        migrations.AlterField("operatornotice", "outcome", outcome()),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(max_length=500)),
                ("secret", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("stopped_at", models.DateTimeField(null=True)),
                (
                    "why_stopped",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("gone", "Your server answered 410 Gone."),
                            (
                                "failing",
                                "Your server did not take an event in three days of attempts.",
                            ),
                        ],
                        max_length=10,
                    ),
                ),
                ("organization", of_organization("webhooks")),
            ],
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                ("outcome", outcome()),
                ("detail", models.CharField(blank=True, max_length=200)),
                ("event", models.CharField(max_length=40)),
                (
                    "change",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tokens.statuschange",
                    ),
                ),
                ("organization", of_organization("+")),
                (
                    "webhook",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="notifications.webhook",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("webhook", "change"), name="delivered_once")
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up_at", None), ("sent_at", None)),
                        fields=["next_attempt_at"],
                        name="delivery_owed",
                    ),
                    models.Index(fields=["organization", "-created_at"], name="delivery_log"),
                ],
            },
        ),
        Wall("Webhook", engine="SELECT, UPDATE (secret, stopped_at, why_stopped)"),
        Referable("Webhook"),
        Wall("WebhookDelivery", engine="SELECT, INSERT, UPDATE"),
        Reference("WebhookDelivery", "webhook"),
        Reference("WebhookDelivery", "change"),
    ]
