// Call the console's HTTP API. A failed call throws an error with the text of the answer.

async function answerOf(reply) {
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error);
  return body;
}

export const get = async (path) => answerOf(await fetch(path));

export async function post(path, token, content) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const body = JSON.stringify(content);
  return answerOf(await fetch(path, { method: "POST", headers, body }));
}
