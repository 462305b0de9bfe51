// Follow one job to its end: by server-sent events, and by asking where those break off.
import { getJob } from "./client";
import type { Job, JobProgress } from "./types";

const ENDS = ["done", "failed", "cancelled"] as const;
const ASK_AGAIN_MS = 1000;

/** Resolves with the job once it has ended. Rejects when the server cannot be asked any more. */
export function followJob(id: string, onProgress: (progress: JobProgress) => void): Promise<Job> {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/v1/jobs/${encodeURIComponent(id)}/events`);
    let ended = false;
    const settle = (act: () => void): void => {
      if (ended) return;
      ended = true;
      events.close();
      act();
    };
    const ask = (): void => {
      if (ended) return;
      getJob(id).then(
        (job) => {
          if (job.state !== "waiting" && job.state !== "running") return settle(() => resolve(job));
          onProgress({ fraction: job.fraction });
          setTimeout(ask, ASK_AGAIN_MS);
        },
        (problem) => settle(() => reject(problem)),
      );
    };
    events.addEventListener("progress", (event) => {
      if (!ended) onProgress(JSON.parse(event.data));
    });
    for (const end of ENDS)
      events.addEventListener(end, (event) => settle(() => resolve(JSON.parse(event.data))));
    events.addEventListener("error", () => {
      events.close();
      ask();
    });
  });
}
