// The parts of undici that are used without a proxy, imported one by one: all of it costs 12 MB and a tenth of a second more at every start.
// undici is pinned to an exact version; test/transport/http.test.ts fails when a part moves.
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici';
  export default Agent;
}
declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export default errors;
}
