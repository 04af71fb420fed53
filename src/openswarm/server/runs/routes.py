"""All calls of the runs API, in one table: what is answered and what is documented is this."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from openswarm.server.runs import answers, control, edits, events, export, listing, requests
from openswarm.server.runs.calls import Api, Call
from openswarm.server.runs.feed import Feeds
from openswarm.server.runs.info import info
from openswarm.server.runs.openapi import document
from openswarm.server.runs.starting import preview, resume, start
from openswarm.server.runs.transcript import transcript
from openswarm.server.service import Service

RUN = "/api/runs/{run_id}"
ASKING = (409, 429, 502, 504)
"""Statuses of errors where the model is asked while the client waits."""
STREAM, ANY_FILE = "text/event-stream", "application/octet-stream"

CALLS = (
    Call("GET", "/api/info", info, "What the server offers", answers.Info),
    Call(
        "POST", "/api/preview", preview, "How a task would be done, and what it would cost",
        answers.Preview, body=requests.RunRequest,
    ),
    Call(
        "POST", "/api/runs", start, "Begins a run", answers.RunStartedAnswer, 201,
        body=requests.RunRequest, problems=(429, 503),
    ),
    Call(
        "GET", "/api/runs", listing.runs, "The runs, newest first", answers.RunsAnswer,
        query=requests.RunsQuery,
    ),
    Call("GET", RUN, listing.snapshot, "A run as it stands", answers.Snapshot),
    Call("DELETE", RUN, listing.remove, "Removes a run", None, 204, problems=(409,)),
    Call(
        "GET", f"{RUN}/events", events.stream, "The events of a run as they come", None,
        query=requests.EventsQuery, media=STREAM,
    ),
    Call(
        "GET", f"{RUN}/events.json", events.page, "Events of a run, page by page",
        answers.EventsPage, query=requests.PageQuery,
    ),
    Call(
        "GET", f"{RUN}/transcript", transcript, "What was said to an agent and by it",
        answers.Transcript, query=requests.AgentQuery,
    ),
    Call(
        "GET", f"{RUN}/blobs/{{blob}}", export.blob, "The bytes of a blob", None,
        query=requests.BlobQuery, media=ANY_FILE,
    ),
    Call(
        "POST", f"{RUN}/steer", control.steer, "Tells an agent something", answers.Requested, 202,
        body=requests.SteerRequest, problems=(409,),
    ),
    Call(
        "POST", f"{RUN}/cancel", control.cancel, "Asks an agent to hand back what it has",
        answers.Requested, 202, body=requests.StopRequest, problems=(409,),
    ),
    Call(
        "POST", f"{RUN}/kill", control.kill, "Ends an agent at once", answers.Requested, 202,
        body=requests.StopRequest, problems=(409,),
    ),
    Call(
        "POST", f"{RUN}/approvals/{{approval_id}}", control.approve, "Answers a question",
        answers.Requested, 202, body=requests.ApprovalRequest, problems=(409,),
    ),
    Call(
        "POST", f"{RUN}/resume", resume, "Goes on with a run", answers.RunStartedAnswer, 202,
        body=requests.ResumeRequest, problems=(409, 429, 503),
    ),
    Call(
        "POST", f"{RUN}/edits/preview", edits.preview, "What an edit would do", answers.Proposal,
        body=requests.ProposalRequest, problems=ASKING,
    ),
    Call(
        "POST", f"{RUN}/edits", edits.edit, "Begins an edit of the table", answers.EditAnswer, 202,
        body=requests.EditRequest, problems=(409, 429, 503),
    ),
    Call(
        "POST", f"{RUN}/undo", edits.undo, "Takes the last edit back", answers.EditAnswer,
        problems=(409,),
    ),
    Call(
        "POST", f"{RUN}/ask", edits.ask, "Answers a question about a run", answers.AskAnswer,
        body=requests.QuestionRequest, problems=ASKING,
    ),
    Call(
        "GET", f"{RUN}/export", export.export, "The run as a file", None,
        query=requests.ExportQuery, media=ANY_FILE,
    ),
)  # fmt: skip


def routes(service: Service) -> list[BaseRoute]:
    """The routes of the runs API, and of its document."""
    api = Api(service, Feeds(service.desk))
    made: list[bytes] = []

    async def described(_: Request) -> Response:
        if not made:
            made.append(document(CALLS))
        return Response(made[0], media_type="application/json")

    documented = Route("/openapi.json", described, methods=["GET"])
    return [*(call.route(api) for call in CALLS), documented]
