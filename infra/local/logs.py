"""Prints what the functions of the local cloud logged: each event as a line of JSON with its log group."""

import argparse
import json
import sys

import boto3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--prefix", required=True, help="of the log groups, such as /aws/lambda/pharmatrace-")
    options = parser.parse_args()
    logs = boto3.client(
        "logs", endpoint_url=options.endpoint, region_name=options.region,
        aws_access_key_id="test", aws_secret_access_key="test",
    )
    groups = logs.describe_log_groups(logGroupNamePrefix=options.prefix)["logGroups"]
    for group in (group["logGroupName"] for group in groups):
        token = {}
        while True:
            page = logs.filter_log_events(logGroupName=group, **token)
            for event in page["events"]:
                json.dump({"group": group, "message": event["message"]}, sys.stdout)
                sys.stdout.write("\n")
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}


if __name__ == "__main__":
    main()
