/** File in dist → interceptor modules. */
export declare function workflowBundles(root: string): {
  readonly 'workflow-bundle.cjs': string[];
  readonly 'workflow-bundle.traced.cjs': string[];
};
