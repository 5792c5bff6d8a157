"""Deploys the synthesized template to moto, an emulator of AWS in this process, and starts an execution there.

moto takes the template apart by its own CloudFormation and runs the state machine by its own interpreter of the Amazon States
Language. Only Lambda is replaced, which would need Docker: a function is its deployed bundle in a Node process, with the
environment that the template gives it.

Reads {"template", "bundle": file, "node", "environment", "inputs"} from stdin; prints one JSON document.
"""

import io
import json
import os
import subprocess
import sys
import threading
import time
import zipfile

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-central-1")

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.cloudformation.parsing import resource_class_from_type  # noqa: E402
from moto.awslambda.models import LambdaBackend  # noqa: E402
from moto.stepfunctions.models import stepfunctions_backends  # noqa: E402
from moto.stepfunctions.parser.models import stepfunctions_parser_backends  # noqa: E402

task = json.load(sys.stdin)
# One Node process for all functions, which the template gives the same environment; a line in, a line out. A handler's error is
# what Lambda's Node runtime makes of it.
RUN = """
import { createInterface } from 'node:readline';
for await (const line of createInterface({ input: process.stdin })) {
  const { bundle, exported, event } = JSON.parse(line);
  const { [exported]: handler } = await import(bundle);
  try {
    console.log('\\nRESULT ' + JSON.stringify(await handler(event, { getRemainingTimeInMillis: () => 60000 })));
  } catch ({ name: errorType, message: errorMessage }) {
    console.log('\\nFAILED ' + JSON.stringify({ errorType, errorMessage, trace: [] }));
  }
}
"""
node = None
node_environment = None
one_at_a_time = threading.Lock()


def invoke(self, function_name, qualifier, body, headers, response_headers):
    global node, node_environment
    function = self.get_function(function_name, qualifier)
    event = json.loads(body) if body else {}
    with one_at_a_time:
        if node is None:
            node_environment = dict(function.environment_vars)
            environment = node_environment | task["environment"] | {"PATH": os.environ["PATH"]}
            environment["AWS_LAMBDA_FUNCTION_NAME"] = function_name
            command = [task["node"], "--input-type=module", "-e", RUN]
            node = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True
            )
        assert function.environment_vars == node_environment
        exported = function.handler.removeprefix("index.")
        node.stdin.write(json.dumps({"bundle": task["bundle"], "exported": exported, "event": event}) + "\n")
        node.stdin.flush()
        answer = next(line for line in node.stdout if line.startswith(("RESULT ", "FAILED ")))
    if answer.startswith("FAILED "):
        response_headers["x-amz-function-error"] = "Unhandled"
    return answer.split(" ", 1)[1].strip().encode()


def without_unsupported(template):
    """Leaves out what moto's CloudFormation does not know, and puts a name where it is referred to."""
    resources = template["Resources"]
    unknown = {key for key, resource in resources.items() if resource_class_from_type(resource["Type"]) is None}

    def replaced(value):
        if isinstance(value, list):
            return [replaced(each) for each in value]
        if not isinstance(value, dict):
            return value
        target = value.get("Ref") or (value.get("Fn::GetAtt") or [None])[0]
        if target in unknown:
            return f"arn:aws:left-out:eu-central-1:123456789012:{target}"
        return {key: replaced(each) for key, each in value.items()}

    kept = {key: replaced(resource) for key, resource in resources.items() if key not in unknown}
    return template | {"Resources": kept}, sorted({resources[key]["Type"] for key in unknown})


with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
    LambdaBackend.invoke = invoke
    template, left_out = without_unsupported(json.loads(task["template"]))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("index.mjs", "// the bundle is run from where it is\n")
    s3 = boto3.client("s3")
    account = boto3.client("sts").get_caller_identity()["Account"]
    bucket = f"cdk-hnb659fds-assets-{account}-eu-central-1"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            s3.put_object(Bucket=bucket, Key=resource["Properties"]["Code"]["S3Key"], Body=archive.getvalue())
    boto3.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")

    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName="p2pfk", TemplateBody=json.dumps(template))
    stack = cloudformation.describe_stacks(StackName="p2pfk")["Stacks"][0]
    resources = []
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName="p2pfk"):
        resources += page["StackResourceSummaries"]

    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    states = boto3.client("stepfunctions")
    # moto's CloudFormation makes state machines in the one of its two back ends that does not run them: the deployed
    # definition, with the ARNs that it has there, is handed to the one that does.
    deployed = stepfunctions_backends[account]["eu-central-1"].describe_state_machine(outputs["StateMachineArn"])
    machine = states.create_state_machine(name="p2pfk", definition=deployed.definition, roleArn=deployed.roleArn)

    def run(number, given):
        started = states.start_execution(
            stateMachineArn=machine["stateMachineArn"], name=f"run-{number}", input=json.dumps(given)
        )
        arn = started["executionArn"]
        deadline = time.time() + 120
        while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING" and time.time() < deadline:
            time.sleep(0.2)
        history = []
        for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
            history += page["events"]
        entered = [e["stateEnteredEventDetails"]["name"] for e in history if "stateEnteredEventDetails" in e]
        # moto copies a machine with its executions when it starts one, and those with a thread cannot be copied.
        for each in stepfunctions_parser_backends[account]["eu-central-1"].state_machines:
            each.executions.clear()
        return {key: described.get(key) for key in ("status", "output", "error", "cause")} | {"entered": entered}

    executions = [run(number, given) for number, given in enumerate(task["inputs"])]
    types = sorted({resource["ResourceType"] for resource in resources})
    print(json.dumps({"stack": stack["StackStatus"], "types": types, "leftOut": left_out, "executions": executions}))
