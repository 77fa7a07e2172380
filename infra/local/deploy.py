"""Deploys infra/template.yaml to the local cloud: zips and uploads the functions, then runs a change set.

The template stays as it is; only the local `CodeUri` folders become the uploaded objects, as
`sam deploy` does on AWS. Prints the stack's outputs as one line of JSON.
"""

import argparse
import hashlib
import io
import json
import pathlib
import re
import sys
import time
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CODE_BUCKET = "pharmatrace-code"
CODE_URI = re.compile(r"^(?P<indent> +)CodeUri: \.\./target/lambda/(?P<name>[a-z-]+)/$", re.MULTILINE)
CHANGE_SET_SECONDS_MAX = 120


def zip_binary(binary: pathlib.Path, cache: pathlib.Path) -> tuple[str, bytes]:
    """The zip of a bootstrap and the hash of its content, kept from one run to the next."""
    content = binary.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    kept = cache / f"{binary.name}-{digest[:32]}.zip"
    if kept.exists():
        return digest, kept.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    cache.mkdir(parents=True, exist_ok=True)
    for older in cache.glob(f"{binary.name}-*.zip"):
        older.unlink(missing_ok=True)
    # Written beside and renamed, so that another instance never reads half a file.
    part = kept.with_suffix(f".{time.monotonic_ns()}.part")
    part.write_bytes(buffer.getvalue())
    part.rename(kept)
    return digest, buffer.getvalue()


def stamped(digest: str, body: bytes, stamp: str) -> tuple[str, bytes]:
    """Another zip of the same binary, as a build of other sources would give."""
    if not stamp:
        return digest, body
    buffer = io.BytesIO(body)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("stamp", stamp)
    return hashlib.sha256(digest.encode() + stamp.encode()).hexdigest(), buffer.getvalue()


def upload(s3, binaries: pathlib.Path, cache: pathlib.Path, names: list[str],
           stamp: str) -> dict[str, str]:
    """Uploads each function's zip and returns its keys. A missing zip would deploy a mock: each is checked."""
    try:
        s3.create_bucket(Bucket=CODE_BUCKET)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    keys = {}
    for name in names:
        binary = binaries / name
        if not binary.is_file():
            raise SystemExit(f"deploy: no binary for the function {name} at {binary}")
        digest, body = stamped(*zip_binary(binary, cache), stamp)
        keys[name] = f"{name}/{digest}.zip"
        s3.put_object(Bucket=CODE_BUCKET, Key=keys[name], Body=body)
        size = s3.head_object(Bucket=CODE_BUCKET, Key=keys[name])["ContentLength"]
        if size != len(body):
            raise SystemExit(f"deploy: {keys[name]} has {size} bytes instead of {len(body)}")
    return keys


def packaged(template: str, keys: dict[str, str]) -> str:
    """The template with uploaded objects in place of local folders."""
    def place(match: re.Match) -> str:
        name = match["name"]
        return f'{match["indent"]}CodeUri: {{ Bucket: {CODE_BUCKET}, Key: {keys[name]} }}'

    return CODE_URI.sub(place, template)


def stack_status(cfn, stack: str) -> str | None:
    try:
        return cfn.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def wait_for(what: str, fetch, done: set[str], failed: set[str]):
    """Asks until a wanted or a failed status appears."""
    deadline = time.monotonic() + CHANGE_SET_SECONDS_MAX
    while True:
        status, answer = fetch()
        if status in done:
            return answer
        if status in failed or time.monotonic() > deadline:
            raise SystemExit(f"deploy: {what} is {status}: {answer}")
        time.sleep(0.05)


def deploy(cfn, stack: str, template_url: str, parameters: list[dict]) -> None:
    """Creates and executes one change set; nothing to change is fine."""
    kind = "UPDATE" if stack_status(cfn, stack) else "CREATE"
    name = f"deploy-{time.time_ns()}"
    cfn.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateURL=template_url,
        Parameters=parameters, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def change_set():
        answer = cfn.describe_change_set(StackName=stack, ChangeSetName=name)
        return answer["Status"], answer

    answer = wait_for("the change set", change_set, {"CREATE_COMPLETE", "FAILED"}, set())
    if answer["Status"] == "FAILED":
        reason = answer.get("StatusReason", "")
        if kind == "UPDATE" and ("didn't contain changes" in reason or "No updates" in reason):
            return
        raise SystemExit(f"deploy: the change set failed: {reason}")
    cfn.execute_change_set(StackName=stack, ChangeSetName=name)

    def executed():
        answer = cfn.describe_stacks(StackName=stack)["Stacks"][0]
        status = answer["StackStatus"]
        reasons = [] if status.endswith("_COMPLETE") and "ROLLBACK" not in status else [
            f'{event["LogicalResourceId"]}: {event.get("ResourceStatusReason")}'
            for event in cfn.describe_stack_events(StackName=stack)["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        return status, reasons

    failed = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_FAILED",
              "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"}
    wait_for("the stack", executed, {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--template", required=True, type=pathlib.Path)
    parser.add_argument("--binaries", required=True, type=pathlib.Path)
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    parser.add_argument("--stamp", default="", help="tells this release from others of the same binaries")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()

    def client(service: str):
        return boto3.client(
            service, endpoint_url=options.endpoint, region_name=options.region,
            aws_access_key_id="test", aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3}),
        )

    template = options.template.read_text(encoding="utf-8")
    names = [match["name"] for match in CODE_URI.finditer(template)]
    s3 = client("s3")
    keys = upload(s3, options.binaries, options.cache, names, options.stamp)
    parameters = []
    for text in options.parameter:
        name, _, value = text.partition("=")
        parameters.append({"ParameterKey": name, "ParameterValue": value})
    # By address: a template given in the request itself may have 51,200 bytes only.
    template_key = f"{options.stack}.yaml"
    s3.put_object(Bucket=CODE_BUCKET, Key=template_key, Body=packaged(template, keys).encode())
    cfn = client("cloudformation")
    try:
        deploy(cfn, options.stack, f"{options.endpoint}/{CODE_BUCKET}/{template_key}", parameters)
    except ClientError as error:
        raise SystemExit(f"deploy: {str(error)[-2000:]}") from None
    outputs = cfn.describe_stacks(StackName=options.stack)["Stacks"][0]["Outputs"]
    json.dump({output["OutputKey"]: output["OutputValue"] for output in outputs}, sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
