/** In the page: what it reads was checked when the page was made, and checks are compiled by `eval`, which the page forbids itself. */
export class Ajv {
  compile(): () => boolean {
    return () => true;
  }
}
