"""`python -m app ddl`: the tables of a cluster, printed for an administrator to read and run."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.common import clear_errors
from app.settings import read_settings
from app.store import demo_profile
from metrics.profile import load_profile
from queries.ddl import Cluster, cluster_statements, kafka_statements


def ddl(
    cluster: Annotated[str, typer.Option(help="The cluster's name in remote_servers.")],
    database: Annotated[str, typer.Option(help="The database of the tables.")] = "livewall",
    replicas: Annotated[
        bool, typer.Option(help="Replicated tables, ON CLUSTER; --no-replicas is for each node by hand.")
    ] = True,
    kafka: Annotated[bool, typer.Option("--kafka", help="Ingestion from Kafka topics too.")] = False,
    brokers: Annotated[str, typer.Option(help="With --kafka: host:port, several by comma.")] = "kafka:9092",
) -> None:
    """Print the migrations as Replicated…MergeTree and Distributed tables, for the profile of STORE."""
    with clear_errors():
        where = Cluster(cluster, database, replicas)
        profile = load_profile(read_settings().store) or demo_profile()
        statements = list(cluster_statements(where, profile))
        if kafka:
            statements += kafka_statements(where, brokers)
    for statement in statements:
        typer.echo(f"{statement};\n")
